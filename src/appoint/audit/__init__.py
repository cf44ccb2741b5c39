"""Who did and saw what: the record of it, sealed so that nobody changes it unseen."""
