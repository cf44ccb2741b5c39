-- Store the reason why a room could not be made as a code, so that all readers see it in their own language.
update call
   set error = case when error like '%accept the key' then 'key-refused'
                    when error like '%cannot be reached' then 'unreachable'
                    when error like '%in time' then 'timeout'
                    when error like '%too many requests' then 'too-many-requests'
                    when error like '%missing' then 'incomplete-settings'
                    when error like '%has no link' then 'no-link'
                    when error like '%not set up' then 'not-set-up'
                    when error like '%cannot be decrypted' then 'unreadable-settings'
                    when error like 'internal error%' then 'internal-error'
                    else 'error-response' end
 where error is not null;
-- squawk-ignore ban-drop-constraint -- a stricter one takes its place
alter table call drop constraint call_error;
-- squawk-ignore constraint-missing-not-valid
alter table call add constraint call_error check (error in (
  'not-set-up', 'no-link', 'incomplete-settings', 'insecure-address', 'invalid-key', 'public-key',
  'unreadable-settings', 'unreachable', 'timeout', 'key-refused', 'too-many-requests', 'refused', 'error-response',
  'unexpected-response', 'room-not-private', 'no-recordings', 'internal-error'
));
