-- A clinic that introduces itself, a doctor who sees children, and a type for people who are new.
update clinic set profile = '{"about": "By the lake", "colour": "#0b6157"}' where id = 1;
update doctor set title = 'Paediatrician', specialties = '{394537008}', languages = '{en,de}', max_age = 17
 where clinic_id = 1;
update appointment_type set patients = 'new' where clinic_id = 1;
