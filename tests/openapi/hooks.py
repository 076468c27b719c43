"""What the document says in words only: `_limit=0` counts without showing records, and a page of no records is an error."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    query = case.query or {}
    if "_page" in query and str(query.get("_limit")) == "0":
        del query["_page"]
    # It puts the records into an envelope, which the document says in words.
    query.pop("_per_page", None)
    # JSON of a certain shape, which the document says in words.
    query.pop("_where", None)
    # A regular expression, which the document says in words.
    for name in [name for name in query if name.endswith("[like]")]:
        del query[name]
    # What is behind a colon in a name is an operator, as in `price:gte`, and an unknown one is an error.
    for name in [name for name in query if ":" in name]:
        del query[name]
    # The records have only these properties, which the document says in words.
    query.pop("_fields", None)
