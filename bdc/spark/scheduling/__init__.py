"""Which applications begin, and when: the pools, their queues, and whether what is asked for fits at all."""
