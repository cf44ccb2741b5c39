-- The sealed entries of an audit log are numbered without gaps up to its head, which has the last entry's hash.
with start as (
  select position, hash from audit_start where clinic_id = :clinic_id
), sealed as (
  select position, hash,
         position - coalesce(lag(position) over (order by position), (select position from start), 0) as step
    from audit_entry
   where clinic_id = :clinic_id
), newest as (
  select position, hash
    from (select position, hash from sealed union all select position, hash from start) as each
   order by position desc
   limit 1
)
select 'entry ' || position as subject
  from sealed
 where step <> 1
 union all
select 'head'
  from (select) as either
  left join newest on true
  left join audit_head head on head.clinic_id = :clinic_id
 where (head.position, head.hash) is distinct from (newest.position, newest.hash)
   and (head.position > 0 or newest.position is not null)
 limit :limit
