-- The demo clinic states who issues its invoices. One patient has a postal address, and one has another at the clinic.
insert into seller (clinic_id, name, iban) values (1, 'Lakeside GmbH', 'DE02120300000000202051');
update customer set postal_address = 'Am Fichtenhain 7'
 where id = (select min(customer_id::text)::uuid from patient where clinic_id = 1);
update patient set corrected_postal_address = 'Seestraße 12'
 where clinic_id = 1 and customer_id = (select max(customer_id::text)::uuid from patient where clinic_id = 1);
