"""Providers: doctors, under the name that other systems know them by."""
