"""The providers of video rooms, behind one port."""
