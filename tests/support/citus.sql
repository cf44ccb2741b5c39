-- Functions with the names of Citus's, which record what they are asked and refuse what Citus 15 was seen to refuse.
create table pg_dist_partition (logicalrelid regclass primary key, partmethod "char" not null);

create function refuse_unready(relation regclass) returns void language plpgsql as $$
begin
  if current_setting('citus.multi_shard_modify_mode', true) is distinct from 'sequential' then
    raise exception 'cannot distribute in parallel in one transaction';
  elsif exists (select from pg_constraint where contype = 'f' and relation in (conrelid, confrelid)) then
    raise exception '% has foreign keys', relation;
  elsif exists (select from pg_attribute where attrelid = relation and attidentity <> '') then
    raise exception '% has an identity column', relation;
  elsif exists (select from pg_depend d join pg_rewrite r on r.oid = d.objid
                 where d.classid = 'pg_rewrite'::regclass and d.refobjid = relation and r.ev_class <> relation)
        or exists (select from pg_depend where classid = 'pg_proc'::regclass and refobjid = relation) then
    raise exception '% has views or SQL functions', relation;
  end if;
end $$;

create function create_reference_table(relation regclass) returns void language plpgsql as $$
begin
  perform refuse_unready(relation);
  insert into pg_dist_partition values (relation, 'n');
end $$;

create function create_distributed_table(relation regclass, place text, colocate_with text) returns void
language plpgsql as $$
begin
  perform refuse_unready(relation);
  if colocate_with <> 'none' and not exists (
    select from pg_dist_partition where logicalrelid = colocate_with::regclass and partmethod = 'h'
  ) then
    raise exception '% is not distributed', colocate_with;
  end if;
  insert into pg_dist_partition values (relation, 'h');
end $$;

create function run_command_on_placements(relation regclass, command text)
returns table (nodename text, nodeport integer, shardid bigint, success boolean, result text)
language plpgsql as $$
begin
  if not exists (select from pg_dist_partition where logicalrelid = relation) then
    raise exception '% has no placements', relation;
  end if;
  execute replace(command, '%s', relation::text);
  return query select 'node', 5432, 1::bigint, true, 'GRANT';
end $$;
