#include "tracker_abi.hpp"
