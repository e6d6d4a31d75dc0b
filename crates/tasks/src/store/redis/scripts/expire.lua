-- Removes what is over from the lists, and with it what Redis has not removed by itself.
-- KEYS: 1 list, 2 failed, 3 due, 4 keep, 5 values
-- ARGV: 1 what the keys of tasks begin with, 2 what those of values begin with, 3 how many at most
-- Returns how many went.
local LIST, FAILED, DUE, KEEP, VALUES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local function remove_row(place)
    local id = id_of(place)
    local key = ARGV[1] .. id
    local there = redis.call('HGET', key, 'place')
    -- A later row of that id has another place, and stays.
    if not there or there == place then
        redis.call('DEL', key)
        redis.call('ZREM', DUE, id)
    end
    redis.call('ZREM', LIST, place)
    redis.call('ZREM', FAILED, place)
end

local members = redis.call('ZRANGEBYSCORE', KEEP, '-inf', digits(now), 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do
    local rest = string.sub(member, 2)
    if string.sub(member, 1, 1) == 't' then
        remove_row(rest)
    else
        redis.call('DEL', ARGV[2] .. rest)
        redis.call('ZREM', VALUES, rest)
    end
    redis.call('ZREM', KEEP, member)
end
return #members
