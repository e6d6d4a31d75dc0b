-- Puts a value if what it expects is there.
-- KEYS: 1 the value, 2 values, 3 keep
-- ARGV: 1 its name, 2 what it expects ('any', 'none', or a version), 3 mark, 4 text, 5 keep (a point)
-- Returns the time and the version that it got; or the name, version, mark, text and keep of what is
-- there, or nothing if nothing is.
local there = value(KEYS[1], ARGV[1])
local before = there and there[2] or 'none'
if ARGV[2] ~= 'any' and ARGV[2] ~= before then return { now, there } end

local version = digits((there and tonumber(there[2]) or 0) + 1)
local ends, ends_number = point(ARGV[5])
redis.call('HSET', KEYS[1], 'version', version, 'mark', ARGV[3], 'text', ARGV[4], 'keep', ends)
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('ZADD', KEYS[3], digits(ends_number), 'v' .. ARGV[1])
redis.call('PEXPIREAT', KEYS[1], digits(ends_number))
return { now, version }
