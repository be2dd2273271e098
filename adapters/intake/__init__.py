"""Countries and telephone numbers for the import of contacts, from CLDR (babel) and Google's libphonenumber."""
