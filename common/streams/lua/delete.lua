-- Begin to delete a meeting: it takes no more audio and is in no list.
-- KEYS: 1 meeting record, 2 meetings, 3 meetings that are being deleted
-- ARGV: 1 meeting name, 2 what is still needed to find its traces
-- Returns 'OK' or 'DELETING' (already).
local first = redis.call('HSETNX', KEYS[3], ARGV[1], ARGV[2])
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return first == 1 and 'OK' or 'DELETING'
