#include "proxy/state/mapped_model.hpp"

namespace ccproxy::proxy {

Meaning meaning_of(const anthropic::ModelTable& models,
                   const config::ModelMapping::value_type& row) {
  const anthropic::Model* newest = models.newest_of(row.second);
  return {newest != nullptr ? newest->id : row.second, config::is_default(row)};
}

Meaning meaning_of(const anthropic::ModelTable& models, const config::ModelMapping& mapping,
                   std::string_view name) {
  if (const auto* row = config::find_mapping(mapping, name)) return meaning_of(models, *row);
  return {models.id_of(name)};
}

}  // namespace ccproxy::proxy
