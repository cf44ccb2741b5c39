insert into dev_payment_object (id, kind, content, delivery)
  values ('cs_test_1', 'checkout.session', '{"id": "cs_test_1", "status": "open"}', 'twice');
insert into dev_payment_request (key, digest, status, answer) values ('session', 'digest', 200, '{"id": "cs_test_1"}');
insert into dev_payment_delivery (event, due_at) values ('{"id": "evt_1"}', now());
