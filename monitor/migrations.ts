// The tables and views of the history, as steps that a database goes through once, in order. A step that was released is never
// changed: what differs is a new step.

export const migrations: readonly string[] = [
  `
  create table tollgate.events (
    router_id text not null,
    epoch text not null,
    seq bigint not null,
    type text not null,
    -- By the router's clock where that is synchronised, otherwise when it came.
    happened timestamptz not null,
    event jsonb not null,
    received timestamptz not null default now(),
    primary key (router_id, epoch, seq)
  );
  create index events_by_time on tollgate.events (type, happened);

  -- Events that nobody can have any more; to_seq is null where nobody knows how many they are.
  create table tollgate.lost (
    router_id text not null,
    epoch text not null,
    from_seq bigint not null,
    to_seq bigint,
    why text not null,
    noticed timestamptz not null default now(),
    primary key (router_id, epoch, from_seq)
  );

  -- The cursor: the last event of each router that is in the tables.
  create table tollgate.positions (
    router_id text primary key,
    epoch text not null,
    seq bigint not null
  );

  -- The latest word of each router.
  create table tollgate.routers (
    router_id text primary key,
    status jsonb,
    report jsonb,
    heard timestamptz not null default now()
  );

  create view tollgate.settled as
  select distinct on (e.router_id, p->>'purchaseId')
    e.router_id, p->>'purchaseId' as purchase_id, e.happened as settled, e.event->>'reason' as reason,
    (p->>'used')::numeric as used, (p->>'unused')::numeric as unused
  from tollgate.events e cross join lateral jsonb_array_elements(e.event->'purchases') p
  where e.type in ('session.ended', 'session.settled')
  order by e.router_id, p->>'purchaseId', e.happened, e.seq;

  create view tollgate.purchases as
  select a.router_id, a.event->>'purchaseId' as purchase_id, a.event->>'reference' as reference, a.happened as sold,
    a.event->>'sessionId' as session_id, a.event->>'mac' as mac, a.event->>'metric' as metric,
    (a.event->>'allotment')::numeric as allotment,
    a.event#>>'{paid,unit}' as unit, a.event#>>'{paid,source}' as source,
    (a.event#>>'{paid,amount}')::numeric as amount, (a.event#>>'{paid,change}')::numeric as change,
    s.used, s.unused, s.settled, s.reason
  from tollgate.events a
  left join tollgate.settled s on s.router_id = a.router_id and s.purchase_id = a.event->>'purchaseId'
  where a.type = 'purchase.accepted';

  create view tollgate.refusals as
  select router_id, event->>'purchaseId' as purchase_id, event->>'reference' as reference, happened as refused,
    event->>'code' as code, event#>>'{paid,unit}' as unit, event#>>'{paid,source}' as source,
    (event#>>'{paid,amount}')::numeric as amount
  from tollgate.events where type = 'purchase.rejected';

  create view tollgate.sales as
  select (sold at time zone 'UTC')::date as day, router_id, metric, unit, source,
    count(*) as purchases, sum(allotment) as allotment, sum(amount) as amount, sum(change) as change
  from tollgate.purchases group by 1, 2, 3, 4, 5;

  create view tollgate.money as
  select router_id, unit, source, sum(amount) as paid, sum(change) as change,
    sum((amount - change) * unused / nullif(allotment, 0)) as unused_value, sum(refused) as refused
  from (
    select router_id, unit, source, amount, change, unused, allotment, null::numeric as refused from tollgate.purchases
    union all
    select router_id, unit, source, null, null, null, null, amount from tollgate.refusals
  ) as all_money
  where unit is not null group by 1, 2, 3;

  create view tollgate.sessions as
  select b.router_id, b.session_id, coalesce(e.event->>'mac', m.event->>'to', b.mac) as mac, b.purchases, b.bought,
    o.happened as opened, (o.event->>'openedAfterMilliseconds')::bigint as opened_after_milliseconds,
    e.happened as ended, e.event->>'reason' as reason, e.event#>>'{terminateCause,name}' as terminate_cause,
    (e.event#>>'{used,bytes}')::numeric as used_bytes, (e.event#>>'{used,milliseconds}')::numeric as used_milliseconds,
    (e.event->>'downloaded')::numeric as downloaded, (e.event->>'uploaded')::numeric as uploaded,
    (e.event->>'openMilliseconds')::numeric as open_milliseconds,
    (e.event->>'overshootBytes')::numeric as overshoot_bytes, (e.event->>'unreadBytes')::numeric as unread_bytes
  from (
    select router_id, event->>'sessionId' as session_id, count(*) as purchases, min(happened) as bought,
      (array_agg(event->>'mac' order by happened, seq))[1] as mac
    from tollgate.events where type = 'purchase.accepted' group by 1, 2
  ) b
  left join (
    select distinct on (router_id, event->>'sessionId') * from tollgate.events where type = 'session.started'
    order by router_id, event->>'sessionId', happened, seq
  ) o on o.router_id = b.router_id and o.event->>'sessionId' = b.session_id
  left join (
    select distinct on (router_id, event->>'sessionId') * from tollgate.events where type = 'session.moved'
    order by router_id, event->>'sessionId', happened desc, seq desc
  ) m on m.router_id = b.router_id and m.event->>'sessionId' = b.session_id
  -- A session that ends in parts has its totals in the last one.
  left join (
    select distinct on (router_id, event->>'sessionId') * from tollgate.events
    where type = 'session.ended' and (event->>'part') is not distinct from (event->>'parts')
    order by router_id, event->>'sessionId', happened, seq
  ) e on e.router_id = b.router_id and e.event->>'sessionId' = b.session_id;

  create view tollgate.usage as
  select (ended at time zone 'UTC')::date as day, router_id, count(*) as sessions,
    sum(used_bytes) as used_bytes, sum(used_milliseconds) as used_milliseconds,
    sum(downloaded) as downloaded, sum(uploaded) as uploaded, sum(open_milliseconds) as open_milliseconds,
    sum(overshoot_bytes) as overshoot_bytes, sum(unread_bytes) as unread_bytes
  from tollgate.sessions where ended is not null group by 1, 2;

  create view tollgate.open_sessions as
  select r.router_id, s->>'sessionId' as session_id, s->>'mac' as mac, s->>'state' as state,
    (s->>'startedAt')::timestamptz as started,
    (s#>>'{used,bytes}')::numeric as used_bytes, (s#>>'{remaining,bytes}')::numeric as remaining_bytes,
    (s#>>'{used,milliseconds}')::numeric as used_milliseconds,
    (s#>>'{remaining,milliseconds}')::numeric as remaining_milliseconds,
    (s->>'downloaded')::numeric as downloaded, (s->>'uploaded')::numeric as uploaded,
    (s->>'openMilliseconds')::numeric as open_milliseconds, (s->>'bytesPerSecond')::numeric as bytes_per_second,
    (r.report->>'at')::timestamptz as reported
  from tollgate.routers r cross join lateral jsonb_array_elements(r.report->'sessions') s
  where not exists (
    select from tollgate.events e
    where e.router_id = r.router_id and e.type = 'session.ended' and e.event->>'sessionId' = s->>'sessionId'
  );

  -- Accounting as FreeRADIUS keeps it: its counter queries run on it. Octets are as the router sees them: input comes from the device.
  create view tollgate.radacct as
  select s.session_id as acctsessionid, md5(s.router_id || s.session_id) as acctuniqueid, s.mac as username,
    null::inet as nasipaddress, s.router_id as nasidentifier, s.router_id as calledstationid,
    upper(replace(s.mac, ':', '-')) as callingstationid,
    s.opened as acctstarttime, coalesce(s.ended, o.reported) as acctupdatetime, s.ended as acctstoptime,
    div(coalesce(s.open_milliseconds, o.open_milliseconds, 0), 1000)::bigint as acctsessiontime,
    coalesce(s.uploaded, o.uploaded, 0)::bigint as acctinputoctets,
    coalesce(s.downloaded, o.downloaded, 0)::bigint as acctoutputoctets,
    s.terminate_cause as acctterminatecause
  from tollgate.sessions s
  left join tollgate.open_sessions o on o.router_id = s.router_id and o.session_id = s.session_id
  where s.opened is not null;
  `,
]
