"""What staff can do about manage links."""
