"""tailon-agg: one live, read-only, audited view of the logs of many hosts, over plain SSH."""

__version__ = "0.1.0"
