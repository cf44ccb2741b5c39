-- A provider does not accept a clinic's key.
update call set error = 'key-refused';
