#include "proxy/state/mapped_model.hpp"

namespace ccproxy::proxy {

MappedModel map_model_name(const anthropic::ModelTable& models,
                           const config::ModelMapping::value_type& row) {
  const anthropic::Model* newest = models.newest_of(row.second);
  return {newest != nullptr ? newest->id : row.second, config::is_default(row)};
}

MappedModel map_model_name(const anthropic::ModelTable& models, const config::ModelMapping& mapping,
                           std::string_view name) {
  if (const auto* row = config::find_mapping(mapping, name)) return map_model_name(models, *row);
  return {models.id_of(name)};
}

}  // namespace ccproxy::proxy
