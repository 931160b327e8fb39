// SPDX-License-Identifier: Apache-2.0
#include "cxx_cells.hpp"

#include <sbm/guest/module.hpp>

using namespace cells;

SBM_EXPORT(add);
SBM_EXPORT(add_nine);
SBM_EXPORT(address_of_line);
SBM_EXPORT(all_ones);
SBM_EXPORT(answer);
SBM_EXPORT(count);
SBM_EXPORT(divide);
SBM_EXPORT(element);
SBM_EXPORT(fill);
SBM_EXPORT(fill_first);
SBM_EXPORT(half);
SBM_EXPORT(is_even);
SBM_EXPORT(last);
SBM_EXPORT(length);
SBM_EXPORT(mirror);
SBM_EXPORT(mix);
SBM_EXPORT(negate);
SBM_EXPORT(nothing);
SBM_EXPORT(other);
SBM_EXPORT(recurse);
SBM_EXPORT(set_line);
SBM_EXPORT(spin);
SBM_EXPORT(squares);
SBM_EXPORT(sum);
SBM_EXPORT(take_all);
SBM_EXPORT(write_element);
