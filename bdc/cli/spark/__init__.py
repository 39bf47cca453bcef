"""`bdc spark`: applications, schedules, pools, environments."""
