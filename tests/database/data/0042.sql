-- A clinic that can be found by its place.
update clinic set latitude = 52.52, longitude = 13.41 where id = 1;
