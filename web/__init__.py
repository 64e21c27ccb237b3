"""The web face of tailon-agg: routes, pages and what guards them. Private to the tailon-agg distribution."""
