# What the server says to a definition with each of the rules that are read: a text, or all fields of a rule in braces.
while read -r rule; do
  printf '> %s\n' "$rule"
  case "$rule" in
    '{'* | '"'*) ;;
    *) rule="\"$rule\"" ;;
  esac
  case "$rule" in
    '{'*) ;;
    *) rule="{rule: $rule}" ;;
  esac
  kubectl create --dry-run=server -f - 2>&1 <<END |
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations: [$rule]
            properties:
              name: {type: string}
              small: {type: boolean}
              count: {type: integer}
              size: {x-kubernetes-int-or-string: true}
              made: {type: string, format: date-time}
              pause: {type: string, format: duration}
              tags: {type: array, maxItems: 100, items: {type: string, maxLength: 100}}
              free: {type: array, items: {type: string}}
              labels: {type: object, maxProperties: 10, additionalProperties: {type: string, maxLength: 63}}
              part: {type: object, properties: {name: {type: string, maxLength: 10}, count: {type: integer}}}
              parts: {type: array, maxItems: 10, items: {type: object, properties: {name: {type: string, maxLength: 10}, count: {type: integer}}}}
END
    sed '/is invalid: $/d; s/^The .* is invalid: /* /; s/spec.validation.openAPIV3Schema.properties.spec..x-kubernetes-validations.0./@/; s/Invalid value: {"Rule.*}: /Invalid value: /; s/selfType[0-9]*/selfType/g; s/(try simplifying.*)/(...)/'
done
