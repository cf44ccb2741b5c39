-- Two cells, a clinic of the other one, and a clinic that has moved there.
insert into cell (number, name, url)
  values (0, 'south', 'https://south.example'), (1, 'north', 'https://north.example');
insert into clinic_home (clinic_id, cell, moves, slug) values (1048577, 1, 0, 'harbor'), (9, 1, 1, null);
