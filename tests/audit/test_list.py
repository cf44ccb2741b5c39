"""The audit log in the API: lists, filters and exported heads."""

import base64
import json

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appoint.audit import record, service
from appoint.audit.model import AuditHead, Key, fault
from appoint.kit import clock
from support.app import ADMIN
from support.audit import KEY, MIA, add_entries, seal
from support.matrix import for_each
from support.world import NOW, create_clinic, create_customer


async def list_entries(client, path="/api/clinics/1/audit", **query) -> list[dict]:
    response = await client.get(path, params=query, headers=ADMIN)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_the_list_shows_every_member_of_an_entry(client, db):
    await create_clinic(client)
    await record(db, MIA, clinic_id=1, subjects=["a", "b"], reason="At her request")
    await seal(db)
    entry = (await list_entries(client))[-1]
    assert entry == {
        "id": entry["id"],
        "at": entry["at"],
        "actor": {"kind": "user", "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5d"},
        "action": "patchPatient",
        "subjects": ["a", "b"],
        "address": "203.0.113.7",
        "requestId": entry["requestId"],
        "reason": "At her request",
        "position": 2,
        "hash": (await db.fetchval("select hash from audit_entry where position = 2")).hex(),
    }
    reading = (await list_entries(client))[-1]
    assert (reading["actor"], reading["action"], reading["position"], reading["hash"]) == (
        {"kind": "administrator", "id": None},
        "listAudit",
        None,
        None,
    )


async def test_sealing_between_two_pages_neither_loses_nor_repeats_entries(client, db, monkeypatch):
    await create_clinic(client)
    await add_entries(db, 40)
    expected = [str(row.id) for row in await db.fetch("select id from audit_unsealed order by id")]
    monkeypatch.setattr(service, "BATCH_SIZE", 7)
    listed_ids, query = [], {"limit": 6}
    while True:
        response = (await client.get("/api/clinics/1/audit", params=query, headers=ADMIN)).json()
        listed_ids += [entry["id"] for entry in response["items"]]
        await db.sealing().atomic(service.seal, clinic_id=1, key=KEY, now=clock.now())
        await add_entries(db, 1)
        if response["next"] is None:
            break
        query["cursor"] = response["next"]
    assert listed_ids == expected


async def test_a_list_ends_even_though_each_page_adds_an_entry(client, db):
    await create_clinic(client)
    await add_entries(db, 2)
    query, pages = {"limit": 1}, 0
    while pages < 10:
        response = (await client.get("/api/clinics/1/audit", params=query, headers=ADMIN)).json()
        pages += 1
        if response["next"] is None:
            break
        query["cursor"] = response["next"]
    assert pages == 3


async def test_the_list_can_be_filtered(client, db):
    await create_clinic(client)
    for seconds, (at_local, actor, action, subject) in enumerate(
        (
            ("2027-02-28 23:59:59.999+01", "user:1", "cancelAppointment", "a"),
            ("2027-03-01 00:00+01", "user:2", "getPatient", "b"),
            ("2027-03-01 23:59:59.999999+01", "users:1", "getPatient", "a"),
            ("2027-03-02 00:00+01", "key:1", "getPatient", "c"),
        )
    ):
        await db.execute(
            """
            insert into audit_unsealed (clinic_id, id, at, actor, action, subjects)
            values (1, uuidv7($1::text::timestamptz - now() + $5 * interval '1 second'), $1::text::timestamptz,
                    $2, $3, array[$4, 'x'])
            """,
            at_local,
            actor,
            action,
            subject,
            seconds,
        )
    for is_sealed in (False, True):
        if is_sealed:
            await seal(db)

        async def actors(**query) -> list[str]:
            items = await list_entries(client, **{"from": "2027-02-01", **query})
            return [":".join(filter(None, entry["actor"].values())) for entry in items]

        assert await actors() == ["user:1", "user:2", "users:1", "key:1"]
        assert await actors(**{"from": "2027-03-01", "to": "2027-03-01"}) == ["user:2", "users:1"]
        assert await actors(to="2027-02-28") == ["user:1"]
        assert await actors(actor="user") == ["user:1", "user:2"]
        assert await actors(actor="user:2") == ["user:2"]
        assert await actors(action="getPatient") == ["user:2", "users:1", "key:1"]
        assert await actors(subject="a") == ["user:1", "users:1"]
        assert await actors(subject="a", actor="users", action="getPatient") == ["users:1"]


@for_each(
    "query",
    [
        "from=2027-03-02&to=2027-03-01",
        "from=yesterday",
        "from=1800-01-01",
        "limit=0",
        "cursor=x",
        "who=me",
        "actor=" + "x" * 201,
        "subject=%00",
    ],
)
async def test_an_invalid_filter_is_rejected(client, query):
    await create_clinic(client)
    for path in ("/api/clinics/1/audit", "/api/audit"):
        assert (await client.get(f"{path}?{query}", headers=ADMIN)).status_code == 400


@for_each(
    "query",
    [
        "from=1900-01-01",
        "to=1900-01-01",
        "from=2999-12-31",
        "to=2999-12-31",
        "actor=%25",
        "subject=%27%3B--",
        "action=",
    ],
)
async def test_a_filter_with_extreme_values_is_accepted(client, query):
    await create_clinic(client)
    for path in ("/api/clinics/1/audit", "/api/audit"):
        assert (await client.get(f"{path}?{query}", headers=ADMIN)).status_code == 200


async def test_an_unknown_clinics_audit_log_is_not_found(client):
    for path in ("/api/clinics/7/audit", "/api/clinics/7/audit/head"):
        assert (await client.get(path, headers=ADMIN)).status_code == 404


async def test_the_platform_has_its_own_audit_log(client, db):
    ana = await create_customer(client)
    assert [
        (entry["actor"]["kind"], entry["action"], entry["subjects"])
        for entry in await list_entries(client, "/api/audit")
    ] == [("open", "createCustomer", [ana])]
    assert (await client.get("/api/audit")).status_code == 401
    await seal(db)
    head = await client.get("/api/audit/head", headers=ADMIN)
    assert (head.json()["clinicId"], head.json()["position"]) == (0, 2)


async def test_an_exported_head_can_be_verified_with_the_public_key(client, db):
    await create_clinic(client)
    assert (await client.get("/api/clinics/1/audit/head", headers=ADMIN)).status_code == 404
    await seal(db)
    exported = (await client.get("/api/clinics/1/audit/head", headers=ADMIN)).json()
    assert exported["publicKey"] == KEY.public
    text = json.dumps(
        ["appoint audit head", *(exported[name] for name in ("clinicId", "position", "hash", "sealedAt"))],
        separators=(",", ":"),
    )
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(exported["publicKey"]))
    public.verify(base64.b64decode(exported["signature"]), text.encode())
    head = msgspec.convert(exported, AuditHead, strict=False)
    assert fault(head, public_key=KEY.public) is None
    for name, value in {
        "clinic_id": 2,
        "position": 3,
        "hash": "0" * 64,
        "sealed_at": NOW,
        "public_key": Key("another").public,
        "signature": "AAAA",
    }.items():
        assert fault(msgspec.structs.replace(head, **{name: value}), public_key=KEY.public)
