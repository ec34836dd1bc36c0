"""Papers: what they say (``sheet``), how they are set (``paper.typ``), and what they leave as (``press``)."""
