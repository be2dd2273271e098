"""What columns are called, in English, German, French and Spanish, by the field they fill.

Names are compared in lower case without accents, spaces and punctuation: `E-Mail`, `e_mail` and `EMAIL` are one.
"""

from __future__ import annotations

import re
from typing import Final

from domain.audience.intake.text import plain

EMAIL: Final = "email"
FULL_NAME: Final = "full_name"
LAST_NAME: Final = "last_name"
FIRST_NAME: Final = "first_name"
UNSUBSCRIBED: Final = "unsubscribed"
IGNORE: Final = "ignore"
ATTRIBUTE: Final = "attribute:"

_NAMES: Final = {
    EMAIL: """
        email emailaddress mail mailaddress workemail businessemail primaryemail contactemail emailadresse
        mailadresse courriel adressemail adresseemail adressecourriel adresseelectronique mel correo
        correoelectronico direcciondecorreo emailcontacto
    """,
    FIRST_NAME: "firstname givenname forename fname vorname prenom nombre nombredepila",
    LAST_NAME: "lastname surname familyname lname nachname familienname nomdefamille apellido apellidos",
    FULL_NAME: "fullname name contactname contact displayname kontakt ansprechpartner nom nomcomplet nombrecompleto",
    "title": """
        title jobtitle position role titel berufsbezeichnung funktion fonction poste titre intituledeposte
        cargo puesto
    """,
    "company": """
        company companyname organization organisation organizationname account employer firma unternehmen
        firmenname entreprise societe raisonsociale empresa compania
    """,
    "phone": """
        phone phonenumber telephone telephonenumber tel mobile mobilephone cell workphone directphone
        telefon telefonnummer rufnummer handy mobil numerodetelephone portable telefono movil
        numerodetelefono
    """,
    "country": "country countrycode countryregion land pays pais nation staat landercode codepays",
    "subscriber_type": "subscribertype contacttype customertype kundentyp typedecontact tipodecontacto",
    "opted_in_at": """
        optedinat optedin optindate optintime optintimestamp optinat subscribedat subscribedon
        subscriptiondate consentdate consentat optindatum einwilligungsdatum einwilligungam anmeldedatum
        dateoptin dateinscription datedinscription dateconsentement fechaoptin fechadesuscripcion
        fechadeconsentimiento
    """,
    "opt_in_source": """
        optinsource source leadsource consentsource acquisitionsource quelle herkunft optinquelle
        sourceoptin origine provenance fuente origen fuenteoptin
    """,
    "opt_in_ip": "optinip ip ipaddress consentip signupip ipadresse adresseip direccionip",
    "last_purchase_at": """
        lastpurchase lastpurchaseat lastpurchasedate lastorder lastorderdate letzterkauf letztebestellung
        letzterkaufam dernierachat dernierecommande datedernierachat ultimacompra ultimopedido
    """,
    UNSUBSCRIBED: """
        unsubscribed unsubscribe unsubscribedat optout optedout emailoptout donotemail donotcontact
        optoutdate abgemeldet abmeldung abgemeldetam widerruf desinscrit desabonne desinscription baja
        dadodebaja cancelado
    """,
    "tags": "tags tag labels label schlagworte schlagworter stichworter etiquettes etiquetas",
    "notes": """
        notes note comments comment remarks notizen notiz bemerkung bemerkungen kommentar commentaires
        remarques notas comentarios
    """,
}

TARGETS: Final = (*_NAMES, IGNORE)
"""Every field that a column may fill, besides `attribute:<name>`."""

_BY_NAME: Final = {name: target for target, names in _NAMES.items() for name in names.split()}


def _folded(header: str) -> str:
    return re.sub(r"[\W_]+", "", plain(header))


def target_of(header: str) -> str | None:
    """The field that a column of this name fills, if the name is a usual one."""
    return _BY_NAME.get(_folded(header))


def is_short_name(header: str) -> bool:
    """`Name` and `Nom`: the whole name in one file, the family name in a file with a column for the first name."""
    return _folded(header) in {"name", "nom"}


def attribute_of(header: str) -> str:
    """`attribute:<name>` for a column that fills no field of its own; `ignore` if nothing of its name is left."""
    slug = re.sub(r"[^a-z0-9]+", "_", plain(header)).strip("_")[:64].strip("_")
    return ATTRIBUTE + slug if slug else IGNORE


def is_target(target: str) -> bool:
    """Whether a column may be sent there."""
    return target in TARGETS or re.fullmatch(r"attribute:[a-z0-9_]{1,64}", target) is not None
