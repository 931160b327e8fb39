/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers and names of AppArmor's compiled policy, and the records that the
 * code in the cell hands to the host. Shared by both sides; no code, no pointers.
 *
 * What comes back is a list of items, in the order of the input and without a gap:
 * each says which part of the policy it is and which octets hold it. The host can
 * therefore look at every claim again in its own copy of the input (check.cpp).
 */
#ifndef APPARMOR_POLICY_FORMAT_H
#define APPARMOR_POLICY_FORMAT_H

#include <stdint.h>

/* Offsets travel in 32 bits and a policy is copied into the cell as a whole. */
#define POLICY_SIZE_MAX ((uint32_t)16 << 20)
#define POLICY_PATH_MAX 65536u

/* The type octet before each item of the little-endian stream. */
enum policy_code {
    POLICY_U8 = 0,
    POLICY_U16 = 1,
    POLICY_U32 = 2,
    POLICY_U64 = 3,
    POLICY_NAME = 4,
    POLICY_STRING = 5,
    POLICY_BLOB = 6,
    POLICY_STRUCT = 7,
    POLICY_STRUCTEND = 8,
    POLICY_LIST = 9,
    POLICY_LISTEND = 10,
    POLICY_ARRAY = 11,
    POLICY_ARRAYEND = 12,
    POLICY_NO_CODE = 255 /* for items inside of a DFA, which have no type octet */
};

/* X(kind, the name that must stand before the item or "", type octet) */
#define POLICY_ITEMS(X)                                                                            \
    X(VERSION, "version", POLICY_U32)                                                              \
    X(NAMESPACE, "namespace", POLICY_STRING)                                                       \
    X(PROFILE, "profile", POLICY_STRUCT)                                                           \
    X(PROFILE_NAME, "", POLICY_STRING)                                                             \
    X(RENAME, "rename", POLICY_STRING)                                                             \
    X(ATTACH, "attach", POLICY_STRING)                                                             \
    X(XMATCH_LENGTH, "", POLICY_U32)                                                               \
    X(DISCONNECTED, "disconnected", POLICY_STRING)                                                 \
    X(FLAGS, "flags", POLICY_STRUCT)                                                               \
    X(FLAG_BITS, "", POLICY_U32)                                                                   \
    X(MODE, "", POLICY_U32)                                                                        \
    X(AUDIT, "", POLICY_U32)                                                                       \
    X(PATH_FLAGS, "path_flags", POLICY_U32)                                                        \
    X(CAPS_LOW, "", POLICY_U32)                                                                    \
    X(CAPS64, "caps64", POLICY_STRUCT)                                                             \
    X(CAPS_HIGH, "", POLICY_U32)                                                                   \
    X(CAPSX, "capsx", POLICY_STRUCT)                                                               \
    X(CAPS_EXTENDED, "", POLICY_U32)                                                               \
    X(XATTRS, "xattrs", POLICY_STRUCT)                                                             \
    X(XATTR, "", POLICY_STRING)                                                                    \
    X(RLIMITS, "rlimits", POLICY_STRUCT)                                                           \
    X(RLIMIT_MASK, "", POLICY_U32)                                                                 \
    X(RLIMIT, "", POLICY_U64)                                                                      \
    X(SECMARKS, "secmark", POLICY_STRUCT)                                                          \
    X(SECMARK_AUDIT, "", POLICY_U8)                                                                \
    X(SECMARK_DENY, "", POLICY_U8)                                                                 \
    X(SECMARK_LABEL, "", POLICY_STRING)                                                            \
    X(POLICYDB, "policydb", POLICY_STRUCT)                                                         \
    X(PERMS, "perms", POLICY_STRUCT)                                                               \
    X(PERMS_VERSION, "version", POLICY_U32)                                                        \
    X(PERM_WORD, "", POLICY_U32)                                                                   \
    X(DFA, "aadfa", POLICY_BLOB)                                                                   \
    X(DFA_HEADER, "", POLICY_NO_CODE)                                                              \
    X(DFA_TABLE, "", POLICY_NO_CODE)                                                               \
    X(START, "start", POLICY_U32)                                                                  \
    X(DFA_START, "dfa_start", POLICY_U32)                                                          \
    X(XTABLE, "xtable", POLICY_STRUCT)                                                             \
    X(XTABLE_NAME, "", POLICY_STRING)                                                              \
    X(DATA, "data", POLICY_STRUCT)                                                                 \
    X(DATA_KEY, "", POLICY_STRING)                                                                 \
    X(DATA_VALUE, "", POLICY_BLOB)                                                                 \
    X(ARRAY_COUNT, "", POLICY_ARRAY)                                                               \
    X(ARRAY_END, "", POLICY_ARRAYEND)                                                              \
    X(STRUCT_END, "", POLICY_STRUCTEND)

#define POLICY_KIND_(kind, name, code) POLICY_ITEM_##kind,
enum policy_kind { POLICY_ITEM_NONE = 0, POLICY_ITEMS(POLICY_KIND_) POLICY_ITEM_COUNT };
#undef POLICY_KIND_

/* What must stand before an item of a kind. Names are held in place, so that the
 * table is plain read-only data without anything to relocate in a cell. */
struct policy_rule {
    char name[15];
    uint8_t code;
};
#define POLICY_RULE_(kind, name, code) {name, (uint8_t)code},
#define POLICY_RULES                                                                               \
    {                                                                                              \
        {"", (uint8_t)POLICY_NO_CODE}, POLICY_ITEMS(POLICY_RULE_)                                  \
    }

/* One item of the input. Offsets count octets from the start of the input. */
struct policy_item {
    uint32_t kind;    /* enum policy_kind */
    uint32_t begin;   /* the first octet, which belongs to the name if there is one */
    uint32_t payload; /* the first octet after name, type and length */
    uint32_t length;  /* octets of payload; for a DFA table with its padding */
    uint64_t value;   /* numbers: the number; arrays: elements; DFA header: its flags;
                       * DFA table: elements << 16 | id << 8 | element size; else 0 */
};

/* The header and tables of a DFA: big-endian, in the manner of flex. */
#define POLICY_DFA_MAGIC 0x1b5e783du
#define POLICY_DFA_HEADER_MIN 16u
#define POLICY_DFA_ALIGN 8u
#define POLICY_TABLE_HEADER 12u
enum policy_dfa_flags { POLICY_DFA_DIFF_ENCODE = 1, POLICY_DFA_OOB = 2 };

enum policy_table_id {
    POLICY_TABLE_ACCEPT = 1,
    POLICY_TABLE_BASE = 2,
    POLICY_TABLE_CHECK = 3,
    POLICY_TABLE_DEFAULT = 4,
    POLICY_TABLE_CLASSES = 5,
    POLICY_TABLE_ACCEPT2 = 7,
    POLICY_TABLE_NEXT = 8,
    POLICY_TABLE_IDS = 10 /* 6 and 9 are in the format's list, but no policy has them */
};
#define POLICY_CLASSES 256u

/* The upper octet of an element of the base table. */
#define POLICY_BASE_INDEX 0x00ffffffu
#define POLICY_BASE_DIFF 0x80000000u
#define POLICY_BASE_OOB 0x20000000u
#define POLICY_BASE_INVALID 0x5f000000u

#define POLICY_START_DEFAULT 1u /* state 0 matches nothing */
#define POLICY_ACCEPT2_OWNER 1u /* with a perms table: the entry after is for others */

/* Version word: the interface number, and the bit that makes all profiles complain. */
#define POLICY_VERSION_MASK 0x3ffu
#define POLICY_VERSION_MIN 5u
#define POLICY_VERSION_MAX 9u
#define POLICY_FORCE_COMPLAIN 0x800u

enum policy_flag_bits { POLICY_FLAG_HAT = 1, POLICY_FLAG_DEBUG1 = 2, POLICY_FLAG_DEBUG2 = 4 };
enum policy_mode {
    POLICY_MODE_ENFORCE,
    POLICY_MODE_COMPLAIN,
    POLICY_MODE_KILL,
    POLICY_MODE_UNCONFINED,
    POLICY_MODE_USER,
    POLICY_MODE_COUNT
};

#define POLICY_RLIMITS_MAX 16u
#define POLICY_CAPS_WORDS 4u /* allow, audit, quiet, and one that nothing reads */

/* The words of an entry of a perms table. */
enum policy_perm_word {
    POLICY_PERM_RESERVED,
    POLICY_PERM_ALLOW,
    POLICY_PERM_DENY,
    POLICY_PERM_SUBTREE,
    POLICY_PERM_COND,
    POLICY_PERM_KILL,
    POLICY_PERM_COMPLAIN,
    POLICY_PERM_PROMPT,
    POLICY_PERM_AUDIT,
    POLICY_PERM_QUIET,
    POLICY_PERM_HIDE,
    POLICY_PERM_XINDEX,
    POLICY_PERM_TAG,
    POLICY_PERM_LABEL,
    POLICY_PERM_WORDS
};

/* An x-index says where an exec goes; of this type it is an index into the xtable. */
#define POLICY_X_TYPE 0x0c000000u
#define POLICY_X_TABLE 0x08000000u
#define POLICY_X_INDEX 0x00ffffffu
/* In the accept words of old policies: 4 bits, of which 0 to 3 are not in the table. */
#define POLICY_OLD_X_SHIFT 10u
#define POLICY_OLD_X_MASK 0xfu
#define POLICY_OLD_X_FIRST 4u
#define POLICY_OLD_OTHER_SHIFT 14u /* where the half for files of others begins */

/* X(error, what was found, as the rest of a sentence) */
#define POLICY_ERRORS(X)                                                                           \
    X(NO_MEMORY, "the cell has no memory for a work table")                                        \
    X(SIZE, "the policy is empty or too large")                                                    \
    X(VERSION_MISSING, "no version where the file begins")                                         \
    X(VERSION_UNSUPPORTED, "an interface version other than 5 to 9")                               \
    X(NAMESPACE, "an empty or malformed namespace")                                                \
    X(NAMESPACES_MIXED, "profiles of more than one namespace in one load")                         \
    X(PROFILE_MISSING, "neither a profile nor the end of the file")                                \
    X(PROFILE_NAME, "an empty, missing or malformed profile name")                                 \
    X(EMBEDDED_NUL, "a NUL before the end of a string")                                            \
    X(XMATCH_LENGTH, "no length after the attachment DFA")                                         \
    X(FLAGS, "missing or malformed flags")                                                         \
    X(MODE, "an unknown profile mode")                                                             \
    X(CAPABILITIES, "missing capability masks")                                                    \
    X(CAPABILITIES_HIGH, "malformed upper capability masks")                                       \
    X(CAPABILITIES_EXTENDED, "malformed extended capability masks")                                \
    X(XATTRS, "malformed extended attributes")                                                     \
    X(RLIMITS, "malformed resource limits")                                                        \
    X(RLIMITS_COUNT, "more than 16 resource limits")                                               \
    X(RLIMITS_MASK, "a resource limit in the mask that has no value")                              \
    X(SECMARK, "malformed secmark rules")                                                          \
    X(POLICYDB, "a malformed policydb")                                                            \
    X(DFA_MISSING, "rules without the DFA that they need")                                         \
    X(DATA, "malformed key and value pairs")                                                       \
    X(DATA_DUPLICATE, "a key that stands there twice")                                             \
    X(PROFILE_END, "something unknown before the end of a profile")                                \
    X(PERMS, "a malformed permission table")                                                       \
    X(PERMS_VERSION, "a permission table of another version than 1")                               \
    X(PERMS_CONTRADICTION, "permission bits that contradict each other")                           \
    X(XTABLE, "a malformed transition table")                                                      \
    X(XTABLE_NAME, "a name that a transition table may not hold")                                  \
    X(XINDEX_RANGE, "an exec index outside of the transition table")                               \
    X(TAG_RANGE, "a tag outside of the transition table")                                          \
    X(LABEL_RANGE, "a label outside of the transition table")                                      \
    X(DFA_HEADER, "a DFA too short for its header")                                                \
    X(DFA_MAGIC, "a DFA without its magic number")                                                 \
    X(DFA_HEADER_SIZE, "a DFA header of an impossible size")                                       \
    X(DFA_SET_SIZE, "a DFA whose set of tables has another size than its blob")                    \
    X(DFA_FLAGS, "unknown flags of a DFA")                                                         \
    X(DFA_PADDING, "padding that is not zero")                                                     \
    X(TABLE_HEADER, "a DFA table that is cut off")                                                 \
    X(TABLE_ID, "an unknown DFA table")                                                            \
    X(TABLE_DUPLICATE, "a DFA table that stands there twice")                                      \
    X(TABLE_ELEMENT_SIZE, "a DFA table with a wrong element size")                                 \
    X(TABLE_LENGTH, "a DFA table of an impossible length")                                         \
    X(TABLE_MISSING, "a DFA without a table that it needs")                                        \
    X(TABLE_LENGTHS, "DFA tables whose lengths do not agree")                                      \
    X(CLASSES_LENGTH, "a table of other than 256 equivalence classes")                             \
    X(DEFAULT_RANGE, "a default state that does not exist")                                        \
    X(BASE_FLAGS, "unknown flags of a state")                                                      \
    X(BASE_DIFF, "a differentially encoded state in a DFA without them")                           \
    X(BASE_OOB, "a state with out-of-band transitions in a DFA without them")                      \
    X(BASE_RANGE, "a state whose transitions lie outside of the table")                            \
    X(NEXT_RANGE, "a transition to a state that does not exist")                                   \
    X(CHECK_RANGE, "a transition of a state that does not exist")                                  \
    X(DIFF_LOOP, "differentially encoded states that refer to each other in a circle")             \
    X(START_RANGE, "a start state that does not exist")                                            \
    X(ACCEPT_RANGE, "a state whose permissions are not in the table")                              \
    X(ACCEPT_FLAGS, "unknown accept flags of a state")

#define POLICY_ERROR_(error, text) POLICY_ERROR_##error,
enum policy_error { POLICY_OK = 0, POLICY_ERRORS(POLICY_ERROR_) POLICY_ERROR_COUNT };
#undef POLICY_ERROR_

/* How unpacking ended. If `items` is more than the host had room for, the list is
 * cut and the host asks again. */
struct policy_summary {
    uint32_t error;        /* enum policy_error */
    uint32_t error_offset; /* where in the input */
    uint32_t items;        /* how many there are */
    uint32_t profiles;
};

/* Where a walk ended. Offsets count from the start of the DFA's own octets. */
struct policy_match {
    uint32_t error;
    uint32_t error_offset;
    uint32_t state;         /* 0 means that no rule matches */
    uint32_t accept_offset; /* of the state's element in the accept table */
    uint32_t accept;
    uint32_t accept2_offset; /* 0 if the DFA has no second accept table */
    uint32_t accept2;
    uint32_t reserved; /* 0 */
};

#endif
