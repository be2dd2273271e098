"""Every module that registers events, commands or deciders. Import this, and the registries are complete."""

from domain.access import alerts, reads, review
from domain.audience import (
    addressee,
    authorisation_batch,
    contact,
    contact_import,
    contact_list,
    email_claim,
    hashed,
    import_commands,
    lapse,
)
from domain.billing import account, change, gateway, invoice, notices, overage, payment, subscription, usage
from domain.campaign import campaign
from domain.costs import allocation, cost
from domain.finance import period, rate, target
from domain.ledger import noted, posting
from domain.platform import registration, rule_pack, staff, suppression
from domain.reporting import pack, saved_query, schedule
from domain.retention import destroying, hold, plan, policy
from domain.rights import register, request
from domain.tenancy import api_key, grant, member, ownership, tenant, workspace
from domain.webhooks import commands as webhook_commands
from domain.webhooks import endpoint

MODULES = (
    alerts,
    reads,
    review,
    addressee,
    authorisation_batch,
    contact,
    contact_import,
    contact_list,
    email_claim,
    hashed,
    import_commands,
    lapse,
    account,
    change,
    gateway,
    invoice,
    notices,
    overage,
    payment,
    subscription,
    usage,
    campaign,
    allocation,
    cost,
    period,
    rate,
    target,
    noted,
    posting,
    registration,
    rule_pack,
    staff,
    suppression,
    pack,
    saved_query,
    schedule,
    policy,
    hold,
    plan,
    destroying,
    register,
    request,
    api_key,
    grant,
    member,
    ownership,
    tenant,
    workspace,
    endpoint,
    webhook_commands,
)
