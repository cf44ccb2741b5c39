-- What a clinic shows about itself and its doctors, and which patients they see.
alter table clinic
  -- The clinic's text, links, colour and opening hours, in the API's format.
  add column profile jsonb not null default '{}'
    constraint clinic_profile check (jsonb_typeof(profile) = 'object' and octet_length(profile::text) <= 65536);

alter table doctor
  add column title text constraint doctor_title check (title ~ '\S' and length(title) <= 200),
  add column languages text[] not null default '{}'
    constraint doctor_languages check (cardinality(languages) <= 20 and array_position(languages, null) is null),
  add column specialties text[] not null default '{}'  -- SNOMED CT codes
    constraint doctor_specialties check (cardinality(specialties) <= 5 and array_position(specialties, null) is null),
  add column min_age smallint,
  add column max_age smallint
    constraint doctor_ages check (min_age >= 0 and max_age <= 150 and min_age <= max_age),
  add column patients text not null default 'everyone'
    constraint doctor_patients check (patients in ('everyone', 'new', 'known'));

alter table appointment_type
  add column min_age smallint,
  add column max_age smallint
    constraint appointment_type_ages check (min_age >= 0 and max_age <= 150 and min_age <= max_age),
  add column patients text not null default 'everyone'
    constraint appointment_type_patients check (patients in ('everyone', 'new', 'known'));

-- Replace specialties that clinics have typed in with codes if they are in the list in any of the languages.
update doctor d
   set specialties = array[listed.code]
  from (values
    ('408439002', array['Allergology', 'Allergologie', 'Alergología', 'allergy']),
    ('394577000', array['Anaesthetics', 'Anästhesiologie', 'Anestesiología', 'Anesthésiologie', 'anesthesiology']),
    ('394578005', array['Audiology', 'Audiologie', 'Audiología']),
    ('408469009', array['Breast surgery', 'Brustchirurgie', 'Cirugía de mama', 'Chirurgie du sein']),
    ('394579002', array['Cardiology', 'Kardiologie', 'Cardiología', 'Cardiologie']),
    ('408466002', array['Cardiac surgery', 'Herzchirurgie', 'Cirugía cardíaca', 'Chirurgie cardiaque']),
    ('394580004', array['Clinical genetics', 'Humangenetik', 'Genética clínica', 'Génétique médicale']),
    ('394592004', array['Clinical oncology', 'Klinische Onkologie', 'Oncología clínica', 'Oncologie clinique']),
    ('408464004', array['Colorectal surgery', 'Koloproktologie', 'Cirugía colorrectal', 'Chirurgie colorectale']),
    ('408444009', array['Dentistry', 'Zahnmedizin', 'Odontología', 'Dentisterie']),
    ('394582007', array['Dermatology', 'Dermatologie', 'Dermatología', 'hautarzt',
      'dermatologia y venereologia', 'haut und geschlechtskrankheiten']),
    ('408475000', array['Diabetes medicine', 'Diabetologie', 'Diabetología', 'Diabétologie']),
    ('418960008', array['Ear, nose and throat', 'Hals-Nasen-Ohren-Heilkunde', 'Otorrinolaringología',
      'Oto-rhino-laryngologie', 'ent', 'otolaryngology', 'otorhinolaryngology', 'hno']),
    ('408441001', array['Endodontics', 'Endodontologie', 'Endodoncia', 'Endodontie']),
    ('394583002', array['Endocrinology', 'Endokrinologie', 'Endocrinología', 'Endocrinologie']),
    ('419772000', array['Family medicine', 'Familienmedizin', 'Medicina familiar', 'Médecine de famille']),
    ('394584008', array['Gastroenterology', 'Gastroenterologie', 'Gastroenterología', 'Gastro-entérologie']),
    ('394814009', array['General practice', 'Allgemeinmedizin', 'Medicina general', 'Médecine générale',
      'general medicine', 'hausarzt', 'medecine generale']),
    ('394609007', array['General surgery', 'Allgemeinchirurgie', 'Cirugía general', 'Chirurgie générale']),
    ('394811001', array['Geriatrics', 'Geriatrie', 'Geriatría', 'Gériatrie']),
    ('394586005', array['Gynaecology', 'Gynäkologie', 'Ginecología', 'Gynécologie', 'gynecology']),
    ('394803006', array['Haematology', 'Hämatologie', 'Hematología', 'Hématologie', 'hematology']),
    ('408472002', array['Hepatology', 'Hepatologie', 'Hepatología', 'Hépatologie']),
    ('408480009', array['Immunology', 'Immunologie', 'Inmunología']),
    ('394807007', array['Infectious diseases', 'Infektiologie', 'Enfermedades infecciosas', 'Infectiologie']),
    ('419192003', array['Internal medicine', 'Innere Medizin', 'Medicina interna', 'Médecine interne', 'internist']),
    ('394593009', array['Medical oncology', 'Internistische Onkologie', 'Oncología médica', 'Oncologie médicale']),
    ('394589003', array['Nephrology', 'Nephrologie', 'Nefrología', 'Néphrologie']),
    ('394591006', array['Neurology', 'Neurologie', 'Neurología']),
    ('394610002', array['Neurosurgery', 'Neurochirurgie', 'Neurocirugía']),
    ('394649004', array['Nuclear medicine', 'Nuklearmedizin', 'Medicina nuclear', 'Médecine nucléaire']),
    ('394585009', array['Obstetrics and gynaecology', 'Frauenheilkunde und Geburtshilfe',
      'Obstetricia y ginecología', 'Gynécologie-obstétrique', 'obstetrics and gynecology', 'frauenheilkunde']),
    ('394821009', array['Occupational medicine', 'Arbeitsmedizin', 'Medicina del trabajo', 'Médecine du travail']),
    ('394594003', array['Ophthalmology', 'Augenheilkunde', 'Oftalmología', 'Ophtalmologie']),
    ('408465003', array['Oral and maxillofacial surgery', 'Mund-, Kiefer- und Gesichtschirurgie',
      'Cirugía oral y maxilofacial', 'Chirurgie orale et maxillo-faciale']),
    ('394605001', array['Oral surgery', 'Oralchirurgie', 'Cirugía oral', 'Chirurgie orale']),
    ('394608004', array['Orthodontics', 'Kieferorthopädie', 'Ortodoncia', 'Orthodontie']),
    ('394801008', array['Orthopaedics and trauma surgery', 'Orthopädie und Unfallchirurgie',
      'Traumatología y cirugía ortopédica', 'Chirurgie orthopédique et traumatologique', 'orthopedics',
      'orthopaedics', 'orthopadie']),
    ('416304004', array['Osteopathy', 'Osteopathie', 'Osteopatía', 'Ostéopathie']),
    ('394537008', array['Paediatrics', 'Kinder- und Jugendmedizin', 'Pediatría', 'Pédiatrie', 'pediatrics',
      'kinderheilkunde', 'kinderarzt']),
    ('408459003', array['Paediatric cardiology', 'Kinderkardiologie', 'Cardiología pediátrica',
      'Cardiologie pédiatrique']),
    ('394607009', array['Paediatric dentistry', 'Kinderzahnheilkunde', 'Odontopediatría', 'Odontologie pédiatrique']),
    ('394539006', array['Paediatric surgery', 'Kinderchirurgie', 'Cirugía pediátrica', 'Chirurgie pédiatrique']),
    ('394588006', array['Child and adolescent psychiatry', 'Kinder- und Jugendpsychiatrie',
      'Psiquiatría infantil y de la adolescencia', 'Psychiatrie de l’enfant et de l’adolescent']),
    ('394882004', array['Pain medicine', 'Schmerzmedizin', 'Medicina del dolor', 'Médecine de la douleur']),
    ('394806003', array['Palliative medicine', 'Palliativmedizin', 'Medicina paliativa', 'Médecine palliative']),
    ('408461007', array['Periodontics', 'Parodontologie', 'Periodoncia']),
    ('394611003', array['Plastic surgery', 'Plastische Chirurgie', 'Cirugía plástica', 'Chirurgie plastique']),
    ('409968004', array['Preventive medicine', 'Präventivmedizin', 'Medicina preventiva', 'Médecine préventive']),
    ('394587001', array['Psychiatry', 'Psychiatrie', 'Psiquiatría']),
    ('394913002', array['Psychotherapy', 'Psychotherapie', 'Psicoterapia', 'Psychothérapie']),
    ('418112009', array['Pulmonology', 'Pneumologie', 'Neumología', 'chest medicine']),
    ('394914008', array['Radiology', 'Radiologie', 'Radiología']),
    ('419815003', array['Radiation oncology', 'Strahlentherapie', 'Oncología radioterápica', 'Radiothérapie']),
    ('394602003', array['Rehabilitation medicine', 'Physikalische und Rehabilitative Medizin',
      'Medicina física y rehabilitación', 'Médecine physique et de réadaptation']),
    ('394810000', array['Rheumatology', 'Rheumatologie', 'Reumatología', 'Rhumatologie']),
    ('394808002', array['Sexual health and genitourinary medicine', 'Sexualmedizin und Venerologie',
      'Salud sexual y venereología', 'Santé sexuelle et vénérologie']),
    ('408450004', array['Sleep medicine', 'Schlafmedizin', 'Medicina del sueño', 'Médecine du sommeil']),
    ('408448007', array['Tropical medicine', 'Tropenmedizin', 'Medicina tropical', 'Médecine tropicale']),
    ('394576009', array['Urgent care', 'Akutmedizin', 'Urgencias', 'Soins urgents']),
    ('394612005', array['Urology', 'Urologie', 'Urología']),
    ('408463005', array['Vascular surgery', 'Gefäßchirurgie', 'Cirugía vascular', 'Chirurgie vasculaire'])
  ) as listed (code, names)
 where d.specialty is not null
   and folded(regexp_replace(d.specialty, '[^[:alnum:]]+', ' ', 'g'))
       = any(select folded(regexp_replace(name, '[^[:alnum:]]+', ' ', 'g')) from unnest(listed.names) as name);
