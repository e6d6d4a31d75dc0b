-- Values whose names begin in the same way, in the order of their names.
-- KEYS: 1 values
-- ARGV: 1 what the keys of values begin with, 2 what the names begin with, 3 how many at most
-- Returns the time and, for each, its name, version, mark, text and keep. Names of values that are gone
-- are removed.
local COUNT_MAX, CHUNK = tonumber(ARGV[3]), 100

-- A name is ASCII without control characters: the last character of ASCII is behind all of them.
local values, from, to = {}, '[' .. ARGV[2], '(' .. ARGV[2] .. '\127'
while #values < COUNT_MAX do
    local names = redis.call('ZRANGEBYLEX', KEYS[1], from, to, 'LIMIT', 0, CHUNK)
    if #names == 0 then break end
    for _, name in ipairs(names) do
        if #values >= COUNT_MAX then break end
        local found = value(ARGV[1] .. name, name)
        if found then
            values[#values + 1] = found
        else
            redis.call('ZREM', KEYS[1], name)
        end
        from = '(' .. name
    end
end
return { now, values }
