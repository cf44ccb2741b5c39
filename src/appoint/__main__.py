"""`python -m appoint`"""

from .cli.main import main

main()
