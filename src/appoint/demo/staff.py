"""The demo clinics' staff: accounts for a manager, a receptionist and every doctor."""

from typing import Any, Final

from ..identity import passwords

NAMES: Final = {"manager": "Mona Varga", "receptionist": "Rosa Lindt"}


async def staff(connection: Any, *, first_clinic: int, password: str) -> list[str]:
    """Write accounts with this password for all clinics whose number is at least `first_clinic`. Return the addresses
    of the first clinic's receptionist and manager.

    Managers and receptionists have the addresses `manager@` and `reception@` at their clinic's mail domain; doctors
    have their own.
    """
    hashed = await passwords.hash_password(password)
    await connection.execute(
        """
        with person (clinic_id, email, name, role, doctor_id) as (
          select id, mailbox || '@' || split_part(email, '@', 2), name_of, role, null::uuid
            from clinic
           cross join (values ('manager', 'manager', $3), ('reception', 'receptionist', $4))
                        as kind (mailbox, role, name_of)
           where id >= $1 and email is not null
          union all
          select clinic_id, lower(email), name, 'doctor', id
            from doctor
           where clinic_id >= $1 and active and email is not null
        ), created as (
          insert into app_user (email, name, password_hash)
          select distinct on (email) email, name, $2 from person
          on conflict (active_email) do nothing
          returning id, email
        ), account as (
          select id, email from created
          union all
          select id, active_email from app_user where active_email in (select email from person)
        )
        insert into membership (clinic_id, user_id, name, role, doctor_id, joined_at)
        select p.clinic_id, a.id, p.name, p.role, p.doctor_id, c.created_at
          from person p join account a using (email) join clinic c on c.id = p.clinic_id
        """,
        first_clinic,
        hashed,
        NAMES["manager"],
        NAMES["receptionist"],
    )
    domain = str(await connection.fetchval("select split_part(email, '@', 2) from clinic where id = $1", first_clinic))
    return [f"reception@{domain}", f"manager@{domain}"]
