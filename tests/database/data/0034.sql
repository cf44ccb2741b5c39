-- A type that patients have to prepare for.
update appointment_type set preparation = 'Please come without breakfast.' where clinic_id = 1;
