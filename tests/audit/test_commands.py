"""`appoint audit` lists, exports, verifies and signs the audit log."""

import json

from appoint.audit import jobs
from appoint.audit.model import Key
from appoint.kit import clock
from support.audit import KEY, add_entries, faults, seal, unsealed
from support.world import create_clinic, create_customer, create_doctor


async def test_the_command_line_lists_exports_and_verifies_the_audit_log(client, db, run_command, tmp_path):
    await create_clinic(client)
    await create_customer(client)
    await create_doctor(client)
    await seal(db)
    await add_entries(db, 2)

    async def audit(*command: str) -> tuple[int, str]:
        outcome = await run_command("audit", *command)
        return outcome.code, outcome.text

    code, output = await audit("list", "--clinic", "1", "--json")
    assert (code, [json.loads(line)["action"] for line in output.splitlines()]) == (
        0,
        ["createClinic", "createDoctor", "patchPatient", "patchPatient"],
    )
    assert "createCustomer" in (await audit("list", "--clinic", "0"))[1]
    assert await audit("list", "--clinic", "7") == (1, "appoint: There is no clinic 7.")

    code, output = await audit("verify")
    assert code == 0
    first, second = output.splitlines()
    assert first == "the platform: 1 sealed entries, all intact"
    assert second.startswith("clinic 1: 2 sealed entries, all intact; 2 not sealed yet, the oldest waiting for ")

    code, output = await audit("head")
    heads = tmp_path / "heads"
    heads.write_text(output)
    assert (code, [json.loads(line)["position"] for line in output.splitlines()]) == (0, [1, 2])
    assert (await audit("verify", "--head", str(heads)))[0] == 0
    assert await audit("head", "--clinic", "9") == (1, "appoint: Clinic 9 has no sealed entries.")

    await db.execute("truncate audit_entry, audit_head, audit_unsealed")
    await add_entries(db, 3)
    await seal(db)
    code, output = await audit("verify", "--clinic", "1", "--head", str(heads))
    assert (code, output.splitlines()[0]) == (1, "clinic 1: 3 sealed entries, NOT intact")
    assert "position 2: the chain was rewritten after its head was exported" in output
    await db.execute("update audit_entry set actor = 'x' where position = 2")
    code, output = await audit("verify", "--json")
    assert (code, json.loads(output)["faults"]) == (1, [[2, "the entry differs from the one that was sealed here"]])
    heads.write_text("{}")
    assert "does not contain heads" in (await audit("verify", "--head", str(heads)))[1]
    assert "cannot be read" in (await audit("verify", "--head", str(tmp_path / "nowhere")))[1]


async def test_the_command_line_signs_heads_again_after_the_secret_changes(db, run_command):
    await add_entries(db, 3)
    await seal(db)
    await add_entries(db, 1)

    async def audit(*command: str) -> tuple[int, str]:
        outcome = await run_command("audit", *command, secret_key="another")
        return outcome.code, outcome.text

    new = Key("another")
    await jobs.seal(db, new, now=clock.now)
    assert (len(await unsealed(db)), (await audit("verify"))[0]) == (1, 1)
    assert (await audit("re-sign", "--public-key", Key("a third").public))[0] == 1
    assert await audit("re-sign", "--public-key", KEY.public) == (0, "Signed 1 heads again.")
    assert (await audit("verify"))[0] == 0
    await jobs.seal(db, new, now=clock.now)
    assert await faults(db, 0, 1, public_key=new.public) == []
    assert await db.fetchval(
        "select array_agg(clinic_id || ' ' || action order by clinic_id) from audit_entry where position in (1, 4)"
    ) == [
        "0 signAuditAnew",
        "1 patchPatient",
        "1 patchPatient",
    ]
