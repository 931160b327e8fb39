// SPDX-License-Identifier: Apache-2.0
//
// The Lua interpreter as an app: `lua SCRIPT [ARGUMENT…]`, or `lua -e TEXT`.
#include <cstdio>
#include <cstring>
#include <lua.hpp>

namespace {

int add_trace(lua_State *lua)
{
    luaL_traceback(lua, lua, lua_tostring(lua, 1), 1);
    return 1;
}

// The table `arg`, and what a script finds in `...`.
int push_arguments(lua_State *lua, int first, int count, char **arguments)
{
    lua_createtable(lua, count, 1);
    for (int i = 0; i < count; i++) {
        lua_pushstring(lua, arguments[i]);
        lua_rawseti(lua, -2, i - (first - 1));
    }
    lua_setglobal(lua, "arg");
    luaL_checkstack(lua, count, "too many arguments");
    for (int i = first; i < count; i++)
        lua_pushstring(lua, arguments[i]);
    return count - first;
}

} // namespace

int main(int count, char **arguments)
{
    if (count < 2 || (std::strcmp(arguments[1], "-e") == 0 && count < 3)) {
        std::fprintf(stderr, "usage: lua SCRIPT [ARGUMENT...] | lua -e TEXT [ARGUMENT...]\n");
        return 2;
    }
    lua_State *lua = luaL_newstate();
    if (!lua)
        return 3;
    luaL_openlibs(lua);
    const bool is_text = std::strcmp(arguments[1], "-e") == 0;
    lua_pushcfunction(lua, add_trace);
    int status = is_text ? luaL_loadbuffer(lua, arguments[2], std::strlen(arguments[2]), "=-e")
                         : luaL_loadfile(lua, arguments[1]);
    if (status == LUA_OK) {
        const int given = push_arguments(lua, is_text ? 3 : 2, count, arguments);
        status = lua_pcall(lua, given, 0, 1);
    }
    if (status != LUA_OK)
        std::fprintf(stderr, "lua: %s\n", lua_tostring(lua, -1));
    lua_close(lua);
    return status == LUA_OK ? 0 : 1;
}
