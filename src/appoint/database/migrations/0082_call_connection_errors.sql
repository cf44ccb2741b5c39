-- Say why a provider could not be reached: its address is not public, it refuses the connection, or TLS fails.
-- squawk-ignore ban-drop-constraint -- one that allows more takes its place
alter table call drop constraint call_error;
-- squawk-ignore constraint-missing-not-valid
alter table call add constraint call_error check (error in (
  'not-set-up', 'no-link', 'incomplete-settings', 'insecure-address', 'invalid-key', 'public-key',
  'unreadable-settings', 'not-public', 'connection-refused', 'untrusted-certificate', 'tls-failed', 'unreachable',
  'timeout', 'key-refused', 'too-many-requests', 'refused', 'error-response', 'unexpected-response',
  'room-not-private', 'no-recordings', 'internal-error'
));
