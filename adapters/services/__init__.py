"""A site's web service, SOAP or REST: how it is called, what of a reply is rows, how pages follow each other."""
