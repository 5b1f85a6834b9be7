# Two agencies. The execution agency's temporary keys sign our requests. The configuration agency is FunctionGraph's own: it enters the VPC
# and publishes failed invocations.
locals {
  project = var.project != "" ? var.project : var.region
  may_look = [
    "modelarts:devserver:listByUser", "modelarts:devserver:get",
    "ces:metricData:list", "ces:metrics:list",
    # What CTS recorded of an order whose answer was lost. Purchases work without.
    "cts:trace:list",
  ]
  may_publish = ["smn:topic:publish"]
}

resource "huaweicloud_identity_role" "execution" {
  name        = "${var.name}-execution"
  description = "Looks at supernodes and metrics, notifies operators, and scales up with the actions of scale_up_actions"
  type        = "XA"

  policy = jsonencode({
    Version   = "1.1"
    Statement = [{ Effect = "Allow", Action = concat(local.may_look, local.may_publish, var.scale_up_actions) }]
  })

  lifecycle {
    precondition {
      condition     = var.mode == "observe" || length(var.scale_up_actions) > 0
      error_message = "mode = live needs scale_up_actions: without the right, every order would be rejected."
    }
  }
}

resource "huaweicloud_identity_role" "configuration" {
  name        = "${var.name}-configuration"
  description = "Publishes failed invocations to the operators' topic"
  type        = "XA"

  policy = jsonencode({
    Version   = "1.1"
    Statement = [{ Effect = "Allow", Action = local.may_publish }]
  })
}

resource "huaweicloud_identity_agency" "execution" {
  name                  = "${var.name}-execution"
  description           = "Temporary keys of the autoscaler's functions"
  delegated_domain_name = var.functiongraph_principal

  project_role {
    project = local.project
    roles   = [huaweicloud_identity_role.execution.name]
  }
}

resource "huaweicloud_identity_agency" "configuration" {
  name                  = "${var.name}-configuration"
  description           = "What FunctionGraph itself needs for the autoscaler"
  delegated_domain_name = var.functiongraph_principal

  project_role {
    project = local.project
    roles   = concat([huaweicloud_identity_role.configuration.name], local.in_vpc ? var.configuration_roles : [])
  }
}
