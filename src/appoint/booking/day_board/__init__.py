"""The live board on which staff run the day."""
