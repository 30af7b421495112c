// Where Rope was before alloc/ took it.
#pragma once

#include "alloc/rope.hpp"
