"""RFC 9457 problem documents: the catalogue of problem types, and the conversion of errors."""
