-- An appointment whose patient has been asked to choose a new time.
update appointment set rebook_by = 'link', rebook_asked_at = '2027-03-01 08:00Z'
 where clinic_id = 1 and id = '00000001-0000-8000-8000-000000000071';
