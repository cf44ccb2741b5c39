"""The live board that staff use to run the day."""
