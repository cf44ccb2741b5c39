-- Let clinics choose to have no video visits. Without a choice, as before, there is no row.
alter table call_settings
  -- squawk-ignore ban-drop-constraint -- a wider one takes its place
  drop constraint call_settings_gateway,
  -- squawk-ignore constraint-missing-not-valid
  add constraint call_settings_gateway
    check (gateway in ('off', 'demo', 'jitsi', 'jaas', 'daily', 'bigbluebutton', 'link')),
  -- squawk-ignore ban-drop-constraint -- a wider one takes its place
  drop constraint call_settings_connection,
  -- squawk-ignore constraint-missing-not-valid
  add constraint call_settings_connection check ((gateway in ('off', 'demo')) = (connection is null));
