from __future__ import annotations

from bureau.accounts.actions.dependants import register_dependant, remove_dependant
from bureau.accounts.actions.desk import (
    attach_phone,
    find_person,
    register_person,
    send_code_to_attach,
)
from bureau.accounts.actions.eligibility import (
    approve_eligibility,
    ask_for_eligibility,
    expire_eligibility,
    refuse_eligibility,
)
from bureau.accounts.actions.identity import (
    Revealed,
    reveal_dependant,
    reveal_identity,
    verify_identity,
)
from bureau.accounts.actions.rights import (
    change_language,
    delete_account,
    export_personal_data,
    give_consent,
    save_staff_account,
    withdraw_consent,
)
from bureau.accounts.actions.signing_in import (
    end_session,
    issue_token,
    normal_phone,
    redeem_code,
    revoke_token,
    send_code,
    sign_device_in,
)

__all__ = [
    "Revealed",
    "approve_eligibility",
    "ask_for_eligibility",
    "attach_phone",
    "change_language",
    "delete_account",
    "end_session",
    "expire_eligibility",
    "export_personal_data",
    "find_person",
    "give_consent",
    "issue_token",
    "normal_phone",
    "redeem_code",
    "refuse_eligibility",
    "register_dependant",
    "register_person",
    "remove_dependant",
    "reveal_dependant",
    "reveal_identity",
    "revoke_token",
    "save_staff_account",
    "send_code",
    "send_code_to_attach",
    "sign_device_in",
    "verify_identity",
    "withdraw_consent",
]
