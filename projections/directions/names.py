"""What figures and their parts are called in each language, where sentences name them.

A figure of the catalogue has its title; the others, and what they are parted by, are here by their stable names. What a
tenant names itself, such as a subscription, is called what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from application.figures import titled
from projections.directions.wording import Language
from projections.finance.metrics import METRICS

_OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    # measures of reports
    "events": ("Ereignisse", "Événements"),
    "amount": ("Betrag", "Montant"),
    "difference": ("Abweichung", "Écart"),
    "estimated": ("Geschätzt", "Estimé"),
    "confirmed": ("Bestätigt", "Confirmé"),
    "decisions": ("Entscheidungen", "Décisions"),
    "messages": ("Nachrichten", "Messages"),
    "opt_outs": ("Abmeldungen", "Désinscriptions"),
    "latency_known": ("Abmeldungen mit bekannter Dauer", "Désinscriptions au délai connu"),
    "surely_in_time": ("Sicher rechtzeitig", "Sûrement à temps"),
    "met": ("Eingehalten", "Respecté"),
    "late": ("Verspätet", "En retard"),
    "net": ("Saldo", "Solde"),
    "taken": ("Verbraucht", "Consommé"),
    "released": ("Freigegeben", "Libéré"),
    "start_mrr": ("MRR zu Beginn", "MRR au début"),
    "end_mrr": ("MRR am Ende", "MRR à la fin"),
    "new": ("Neuer MRR", "Nouveau MRR"),
    "reactivation": ("Reaktivierter MRR", "MRR réactivé"),
    "fx": ("Wirkung der Wechselkurse", "Effet de change"),
    "contraction": ("Verringerter MRR", "MRR réduit"),
    "churn": ("Verlorener MRR", "MRR perdu"),
    "gross_lost": ("Verlorener MRR, brutto", "MRR perdu, brut"),
    "net_lost": ("Verlorener MRR, netto", "MRR perdu, net"),
    "net_churn": ("Netto-MRR-Churn", "Attrition nette du MRR"),
    "cohort_mrr": ("MRR der Kunden vom Beginn", "MRR des clients du début"),
    "cohort_capped": ("MRR der Kunden vom Beginn, ohne Zuwachs", "MRR des clients du début, sans hausse"),
    "nrr": ("Netto-Umsatzbindung", "Rétention nette du revenu"),
    "grr": ("Brutto-Umsatzbindung", "Rétention brute du revenu"),
    "customers": ("Kunden", "Clients"),
    "customers_kept": ("Gehaltene Kunden", "Clients conservés"),
    "customers_lost": ("Verlorene Kunden", "Clients perdus"),
    "customer_months": ("Kundenmonate", "Mois-clients"),
    "customer_churn": ("Kundenverlustrate", "Taux de perte de clients"),
    "new_customers": ("Neue Kunden", "Nouveaux clients"),
    "gained": ("Gewonnener MRR", "MRR gagné"),
    "margin": ("Marge", "Marge"),
    "acquisition": ("Kosten der Kundengewinnung", "Coûts d'acquisition"),
    # those of all customers
    "change": ("Veränderung des MRR", "Variation du MRR"),
    "customers_expanded": ("Kunden mit Zuwachs", "Clients en expansion"),
    "at_start": ("Kunden zu Beginn", "Clients au début"),
    "came": ("Hinzugekommene Kunden", "Clients arrivés"),
    "went": ("Gegangene Kunden", "Clients partis"),
    "kept": ("Gebliebene Kunden", "Clients restés"),
    "year_ago": ("Kunden vor zwölf Monaten", "Clients il y a douze mois"),
    "year_kept": ("Davon gebliebene Kunden", "Dont clients restés"),
    "started": ("Begonnene Testphasen", "Essais commencés"),
    "ended": ("Beendete Testphasen", "Essais terminés"),
    "won": ("Gewonnene Testphasen", "Essais gagnés"),
    # categories of costs, and whose they are
    "server": ("Server", "Serveurs"),
    "ip": ("IP-Adressen", "Adresses IP"),
    "domain": ("Domains", "Domaines"),
    "mailbox": ("Postfächer", "Boîtes aux lettres"),
    "payment_fee": ("Zahlungsgebühren", "Frais de paiement"),
    "staff_time": ("Arbeitszeit", "Temps de travail"),
    "marketing": ("Marketing", "Marketing"),
    "software": ("Software", "Logiciels"),
    "other": ("Sonstiges", "Autres"),
    "direct": ("Direkt", "Direct"),
    "allocated": ("Umgelegt", "Réparti"),
    "unallotted": ("Nicht umgelegt", "Non réparti"),
    "whole": ("Ganze Organisation", "Toute l'organisation"),
    # what was decided, and what was said
    "allow": ("Erlaubt", "Autorisé"),
    "hold": ("Zurückgehalten", "Retenu"),
    "deny": ("Abgelehnt", "Refusé"),
    "unsubscribe": ("Abmeldung", "Désinscription"),
    "objection": ("Widerspruch", "Opposition"),
    "complaint": ("Beschwerde", "Plainte"),
    # parts of the product
    "access": ("Zugriffe", "Accès"),
    "audience": ("Kontakte", "Contacts"),
    "billing": ("Abrechnung", "Facturation"),
    "campaign": ("Kampagnen", "Campagnes"),
    "costs": ("Kosten", "Coûts"),
    "finance": ("Finanzen", "Finances"),
    "ledger": ("Nachweise", "Preuves"),
    "platform": ("Plattform", "Plateforme"),
    "reporting": ("Berichte", "Rapports"),
    "retention": ("Aufbewahrung", "Conservation"),
    "rights": ("Betroffenenrechte", "Droits des personnes"),
    "tenancy": ("Organisation", "Organisation"),
    "webhooks": ("Webhooks", "Webhooks"),
}
"""German and French; English is what the stable name reads as."""


def names_in(language: Language) -> dict[str, str]:
    """What is called by a name of its own, by its stable name."""
    told = {name: titled(name) for name in _OTHERS} | {"ip": "IP addresses", "fx": "Effect of exchange rates"}
    if language is not Language.EN:
        at = 0 if language is Language.DE else 1
        told = {name: words[at] for name, words in _OTHERS.items()}
    return told | {one.id: getattr(one.title, language.value) for one in METRICS.values()}
