-- Values by their keys.
-- KEYS: a value for each
-- ARGV: the name of each
-- Returns the time and, for each, its name, version, mark, text and keep, or nothing.
local values = {}
for at = 1, #KEYS do
    values[at] = value(KEYS[at], ARGV[at])
end
return { now, values }
