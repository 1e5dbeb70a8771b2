"""The state of a campaign, which its owner sets."""

from __future__ import annotations

from sqlalchemy import Connection, insert, update

from votewise.collect.database import retried
from votewise.collect.folder import Collection
from votewise.collect.leases import expire_leases, lock_campaign
from votewise.collect.schema import admin_log, campaign
from votewise.errors import BadInputError


def set_state(collection: Collection, state: str) -> None:
    """Set the state; ``closed`` ends all leases. It is logged.

    Raises:
        BadInputError: there is no campaign.
    """

    def written(connection: Connection) -> None:
        if lock_campaign(connection) is None:
            folder = collection.folder
            raise BadInputError(
                "there is no campaign", source=str(folder), expected=f"votewise collect import {folder} PAIRS"
            )
        connection.execute(update(campaign).values(state=state))
        connection.execute(insert(admin_log).values(at=collection.clock(), act=f"campaign {state}", about=""))
        if state == "closed":
            expire_leases(connection, collection, all_of_them=True)

    retried(collection.engine, written)
