"""`python -m appoint`"""

from .cli import main

main()
