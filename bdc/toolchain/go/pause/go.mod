module bdc.local/pause

go 1.26.0
